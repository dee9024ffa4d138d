#!lua flags=allow-oom
-- Takes the lease of a connection, or renews one's own. Where the indexes lie in the same slot it is noted there, too.
--
-- KEYS  lease; on a cluster: managed (ZSET by when a lease runs out), owners of the registered server (SET; managed again
--       where there is none).
-- ARGV  holder, registered name of the server ("": none), time that it runs, the highest number that this holder was
--       given so far; on a cluster: ttl, the connection ("user:42:github", encoded).
-- Answers {1, number}, or {0, time that the lease of another holder still runs}. Times are milliseconds.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/index.lua
-- include: parts/lease.lua

local lease = take_keys(1)
local holder, registered, time, last = take(4)
local managed, owners, ttl, name
if #KEYS > 1 then
  managed, owners = take_keys(2)
  ttl, name = take(2)
  ttl = tonumber(ttl)
  call('ZCARD', managed)  -- a key of a wrong type raises here, before anything is written
  if owners ~= managed then call('SISMEMBER', owners, name) end
end
local function note(left)
  if not managed then return end
  call('ZADD', managed, int(now + left), name)
  keep_index(managed, ttl)
end
local lease_number, found_holder = parse_lease(call('GET', lease))
if lease_number and is_note(found_holder) then lease_number = nil end
if lease_number and found_holder ~= holder then
  local left = call('PTTL', lease)
  -- Every lease runs out. Another program took the end of this one away; its holder, if there is one, renews it.
  if left == -1 then
    left = tonumber(time)
    call('PEXPIREAT', lease, int(now + left))
  end
  note(left)
  return {0, left}
end
lease_number = lease_number or int(math.max(now_us, last + 1))
call('SET', lease, lease_value(lease_number, holder, registered), 'PX', int(time))
note(tonumber(time))
if managed and owners ~= managed then
  call('SADD', owners, name)
  keep_index(owners, ttl)
end
return {1, lease_number}
