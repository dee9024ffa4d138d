#!lua flags=allow-oom
-- Repairs one owner for doctor: ghosts leave connections, CONNECTED servers stand in both sets, everything has an
-- expiry.
--
-- KEYS  connections, servers; per member: status, tools, connected_at, info, lease.
-- ARGV  ttl, how long the longest other member of the owner lives; the members to repair: all that were seen as ghosts or
--       strays a while ago, or without an expiry.
-- Answers {"ok", number of repairs}. Times are milliseconds.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/members.lua

local ttl, longest = take(2)
local repairs, connections, servers = 0, take_keys(2)
local members = {}
ttl = tonumber(ttl)
while has_arguments() do
  local keys = declare(take(1))
  keys.lease = take_keys(1)
  members[#members + 1] = keys
end
call('SISMEMBER', connections, '')  -- a key of a wrong type raises here, before anything is written
call('SISMEMBER', servers, '')

local last = now + tonumber(longest)
for _, keys in ipairs(members) do
  local member = keys.member
  for _, name in ipairs({keys.status, keys.tools, keys.connected_at, keys.info, keys.lease}) do
    local left = call('PTTL', name)
    if left == -1 then
      call('PEXPIREAT', name, int(now + ttl))
      left, repairs = ttl, repairs + 1
    end
    if left > 0 then last = math.max(last, now + left) end
  end
  local found = redis.pcall('GET', keys.status)
  local status = type(found) == 'string' and found
  if status == 'CONNECTED' then
    repairs = repairs + call('SADD', connections, member) + call('SADD', servers, member)
  else
    repairs = repairs + call('SREM', connections, member)
    local exists = call('EXISTS', keys.status, keys.info) > 0
    repairs = repairs + call(exists and 'SADD' or 'SREM', servers, member)
    if status and call('TYPE', keys.connected_at).ok == 'string' then
      repairs = repairs + call('DEL', keys.connected_at)
    end
  end
end
for _, set in ipairs({connections, servers}) do
  local left = call('PTTL', set)
  if left == -1 or (left >= 0 and now + left < last) then
    call('PEXPIREAT', set, int(math.max(last, now + ttl) + ttl))
    repairs = repairs + 1
  end
end
return {'ok', repairs}
