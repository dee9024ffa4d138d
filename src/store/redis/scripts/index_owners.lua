#!lua flags=allow-oom
-- Notes in one part of the index of a registered server who has connections to it.
--
-- KEYS  owners (SET).
-- ARGV  ttl, "SADD" or "SREM"; the connections ("user:42:github", encoded).
-- Answers nothing. Times are milliseconds.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/index.lua

local owners, members = take_keys(1), {}
local ttl, command = take(2)
while has_arguments() do members[#members + 1] = take(1) end
call(command, owners, unpack(members))
keep_index(owners, tonumber(ttl))
