-- The limits of an owner. Members whose keys are needed to count are asked for as those of a renewal are.
local function count_records()
  local number = 0
  for _, member in ipairs(call('SUNION', connections, servers)) do
    local keys = keys_of(member)
    if keys and call('EXISTS', keys.status, keys.info) > 0 then number = number + 1 end
  end
  return number
end

-- The sets hold members whose records have expired, so that only their number is a reason to count.
local function has_too_many(record)
  if most_connections == '0' or record.found_status or record.found_info then return false end
  local most = tonumber(most_connections)
  local members = call('SCARD', servers) + #call('SDIFF', connections, servers)
  return members >= most and count_records() >= most
end

-- A list that is no longer than the one it replaces takes no room. Tools of a wrong type are nothing that was stored.
local function has_too_many_bytes(record)
  if most_bytes == '0' or not record.staging then return false end
  local total = call('STRLEN', record.staging)
  if total <= call('STRLEN', record.keys.tools) then return false end
  for _, member in ipairs(call('SUNION', connections, servers)) do
    local keys = member ~= record.member and keys_of(member)
    local size = keys and redis.pcall('STRLEN', keys.tools)
    if type(size) == 'number' then total = total + size end
  end
  return total > tonumber(most_bytes)
end

for _, record in ipairs(records) do
  local too_many, too_large = has_too_many(record), has_too_many_bytes(record)
  if #undeclared > 0 then return answer_members() end
  if too_many then return refuse('connections', record.member) end
  if too_large then return refuse('bytes', record.member) end
end
