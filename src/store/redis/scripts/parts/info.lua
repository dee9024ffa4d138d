-- The head of a record's :info: revision, expires_at, expires_latest, and the position and width of the digits of
-- expires_at.
local function parse_head(info)
  local revision, position, expires, latest =
    string.match(info, '^{"revision":(%d+),"expires_at":()(%d+),"expires_latest":(%d+),')
  if not revision then return 0, 0, 0, nil, 0 end
  return tonumber(revision), tonumber(expires), tonumber(latest), position, #expires
end
