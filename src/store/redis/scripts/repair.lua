#!lua flags=allow-oom
-- Repairs one owner for doctor: ghosts leave connections, CONNECTED servers stand in both sets, everything has an
-- expiry.
--
-- KEYS  connections, servers; per member: status, tools, connected_at, info, lease.
-- ARGV  ttl, the number of suspects, the suspects (members that were seen as ghosts or strays a while ago); the
--       members.
-- Answers {"ok", number of repairs} or, having written nothing, {"members", member, …}: further members of the sets,
--       whose keys have to be declared. Times are milliseconds.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/members.lua

local ttl, repairs = number(), 0
local connections, servers = key(), key()
local suspects, members = {}, {}
for _ = 1, number() do suspects[argument()] = true end
while has_arguments() do
  local keys = declare(argument())
  keys.lease = key()
  members[#members + 1] = keys
end
for _, member in ipairs(redis.call('SUNION', connections, servers)) do keys_of(member) end
if #undeclared > 0 then return answer_members() end

local last = 0
for _, keys in ipairs(members) do
  local member = keys.member
  for _, name in ipairs({keys.status, keys.tools, keys.connected_at, keys.info, keys.lease}) do
    local left = redis.call('PTTL', name)
    if left == -1 then
      redis.call('PEXPIREAT', name, int(now + ttl))
      left, repairs = ttl, repairs + 1
    end
    if left > 0 then last = math.max(last, now + left) end
  end
  local found = redis.pcall('GET', keys.status)
  local status = type(found) == 'string' and found
  if status == 'CONNECTED' then
    repairs = repairs + redis.call('SADD', connections, member) + redis.call('SADD', servers, member)
  elseif suspects[member] then
    repairs = repairs + redis.call('SREM', connections, member)
    local exists = redis.call('EXISTS', keys.status, keys.info) > 0
    repairs = repairs + redis.call(exists and 'SADD' or 'SREM', servers, member)
    if status and redis.call('TYPE', keys.connected_at).ok == 'string' then
      repairs = repairs + redis.call('DEL', keys.connected_at)
    end
  end
end
for _, set in ipairs({connections, servers}) do
  local left = redis.call('PTTL', set)
  if left == -1 or (left >= 0 and now + left < last) then
    redis.call('PEXPIREAT', set, int(math.max(last, now + ttl) + ttl))
    repairs = repairs + 1
  end
end
return {'ok', repairs}
