#!lua flags=no-writes
-- Finds connections whose lease has run out in one part of the index of managed connections.
--
-- KEYS  managed (ZSET by when a lease runs out).
-- ARGV  how many at most.
-- Answers {number of managed connections, connection, …}.

-- include: parts/arguments.lua
-- include: parts/clock.lua

local managed, limit = take_keys(1), take(1)
local answer = call('ZRANGE', managed, '-inf', int(now), 'BYSCORE', 'LIMIT', '0', limit)
table.insert(answer, 1, call('ZCARD', managed))
return answer
