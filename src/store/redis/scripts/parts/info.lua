-- The head of a record's :info: revision, expires_at, expires_latest, and the position and width of the digits of
-- expires_at. What is no number as mcpstate writes it, or a revision from 2^53 on, makes the head junk.
local function is_number(digits) return #digits <= 18 and (digits == '0' or string.byte(digits) ~= 48) end
local function parse_head(info)
  local revision, position, expires, latest =
    string.match(info, '^{"revision":(%d+),"expires_at":()(%d+),"expires_latest":(%d+),')
  local good = revision and is_number(revision) and is_number(expires) and is_number(latest)
  if not good or tonumber(revision) >= 2^53 then return 0, 0, 0, nil, 0 end
  return tonumber(revision), tonumber(expires), tonumber(latest), position, #expires
end
