#!lua flags=allow-oom
-- Notes in one part of the index of a registered server who has connections to it.
--
-- KEYS  owners (SET).
-- ARGV  ttl, "SADD" or "SREM"; the connections ("user:42:github", encoded).
-- Answers nothing. Times are milliseconds.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/index.lua

local owners, ttl, command, members = key(), number(), argument(), {}
while has_arguments() do members[#members + 1] = argument() end
redis.call(command, owners, unpack(members))
keep_index(owners, ttl)
