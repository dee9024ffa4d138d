#!lua flags=allow-oom
-- Ends a lease that is still ours.
--
-- KEYS  lease, info of the record.
-- ARGV  how its value begins, the revision that the record is to have ("": any).
-- Answers {} (it was not ours any more), or {registered name of the server, 1 where the record has another revision,
--       else 0}.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/info.lua
-- include: parts/lease.lua

local lease, info = take_keys(2)
local start, revision = take(2)
local value = call('GET', lease)
if not value or string.sub(value, 1, #start) ~= start then return {} end
local changed = revision ~= '' and int(parse_head(call('GETRANGE', info, 0, 127))) ~= revision
call('DEL', lease)
local _, _, registered = parse_lease(value)
return {registered, changed and 1 or 0}
