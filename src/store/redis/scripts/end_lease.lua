#!lua flags=allow-oom
-- Ends a lease that is still ours. Where the index lies in the same slot it is noted there, too.
--
-- KEYS  lease, info of the record; on a cluster: managed (ZSET by when a lease runs out).
-- ARGV  how its value begins, the revision that the record is to have ("": any); on a cluster: ttl, the connection
--       ("user:42:github", encoded), "over" or "" (another instance is to take it).
-- Answers {} (it was not ours any more), or {registered name of the server, 1 where the record has another revision,
--       else 0}.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/info.lua
-- include: parts/index.lua
-- include: parts/lease.lua

local lease, info = take_keys(2)
local start, revision = take(2)
local managed, ttl, name, outcome
if #KEYS > 2 then
  managed = take_keys(1)
  ttl, name, outcome = take(3)
  call('ZCARD', managed)  -- a key of a wrong type raises here, before anything is written
end
local value = call('GET', lease)
if not value or string.sub(value, 1, #start) ~= start then return {} end
local changed = revision ~= '' and int(parse_head(call('GETRANGE', info, 0, 127))) ~= revision
call('DEL', lease)
if managed and outcome == 'over' and not changed then
  call('ZREM', managed, name)
elseif managed then
  call('ZADD', managed, 0, name)
  keep_index(managed, tonumber(ttl))
end
local _, _, registered = parse_lease(value)
return {registered, changed and 1 or 0}
