#!lua flags=no-writes
-- Finds connections whose lease has run out in one part of the index of managed connections.
--
-- KEYS  managed (ZSET by when a lease runs out).
-- ARGV  how many at most.
-- Answers {number of managed connections, connection, …}.

-- include: parts/arguments.lua
-- include: parts/clock.lua

local managed = key()
local answer = redis.call('ZRANGE', managed, '-inf', int(now), 'BYSCORE', 'LIMIT', '0', argument())
table.insert(answer, 1, redis.call('ZCARD', managed))
return answer
