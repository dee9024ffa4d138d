#!lua flags=allow-oom
-- Writes every record of one owner, all or none: KEYS, ARGV and answers of put.lua, with one tools action more, "look":
-- the record is only compared with what was read.
-- Answers {"conflict", member} also for a member of the sets that is not among these records.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/info.lua
-- include: parts/lifetime.lua
-- include: parts/basis.lua
-- include: parts/members.lua
-- include: parts/renewal.lua
-- include: parts/put_read.lua

-- A member that came after the caller has read would be spared.
for _, member in ipairs(call('SUNION', connections, servers)) do
  if not declared[member] then return refuse('conflict', member) end
end

-- include: parts/put_fences.lua

local changed = {}
for _, record in ipairs(records) do
  if record.action ~= 'look' then changed[#changed + 1] = record end
end
if #changed == 0 then return {'ok'} end
records = changed

-- include: parts/put_write.lua
return answer
