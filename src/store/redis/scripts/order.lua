#!lua
-- Writes one record as put.lua does, and in the same step takes the lease of its connection and notes it in the indexes.
-- Where the lease of another holder runs, that lease stays as it is: its holder sees the record.
--
-- KEYS  lease, managed (ZSET by when a lease runs out), owners of the registered server (SET; managed again where there
--       is none); then those of put.lua, without a lease.
-- ARGV  holder, registered name of the server ("": none), time that the lease runs, the highest number that this holder
--       was given so far, the connection ("user:42:github", encoded); then those of put.lua, without a lease.
-- Answers {"ok", revision, expires_at, number of the lease that runs, its holder}, or what put.lua answers where it has
--       written nothing. Times are milliseconds.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/info.lua
-- include: parts/lifetime.lua
-- include: parts/basis.lua
-- include: parts/members.lua
-- include: parts/renewal.lua
-- include: parts/index.lua
-- include: parts/lease.lua

local order = {}
order.lease, order.managed, order.owners = take_keys(3)
order.holder, order.registered, order.time, order.last, order.name = take(5)

-- include: parts/put_read.lua
-- include: parts/put_fences.lua
-- include: parts/put_limits.lua

-- A key of a wrong type raises here, before anything is written.
call('ZCARD', order.managed)
if order.owners ~= order.managed then call('SISMEMBER', order.owners, order.name) end
local found_number, found_holder = parse_lease(call('GET', order.lease))
if found_number and is_note(found_holder) then found_number = nil end
local is_free = not found_number or found_holder == order.holder

-- include: parts/put_write.lua

if is_free then
  found_holder = order.holder
  found_number = found_number or int(math.max(now_us, order.last + 1))
  call('SET', order.lease, lease_value(found_number, found_holder, order.registered), 'PX', order.time)
  if order.owners ~= order.managed then
    call('SADD', order.owners, order.name)
    keep_index(order.owners, ttl)
  end
end
call('ZADD', order.managed, int(now + call('PTTL', order.lease)), order.name)
keep_index(order.managed, ttl)
answer[#answer + 1] = found_number
answer[#answer + 1] = found_holder
return answer
