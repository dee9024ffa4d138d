#!lua
-- Writes records of one owner, all or none.
--
-- KEYS  connections, servers; the lease of a write under one; per record: status, tools, connected_at, info, and the
--       key of the staged tools (the tools key again where nothing is staged); per other member: status, tools,
--       connected_at, info.
-- ARGV  ttl, lifetime (0: no limit), "keep" (the expiry stays as it is) or "", how the value of the lease begins ("":
--       no lease), how many records the owner may have for a new one to be written (0: any number), how many
--       bytes the tools of all its records may have for a longer list to be written (0: any number), the revision that the
--       new ones are above, the number of records; per record: member, expected revision, status and connected_at
--       ("+bytes", "-": absent), new status, new connected_at ("": none), tools action (keep, replace, replace_empty,
--       drop), tail of :info; the other members.
-- Answers {"ok", revision, expires_at, revision, expires_at, …}, or, having written nothing: {"conflict", member},
--       {"lease", member}, {"connections", member} (the owner has too many), {"bytes", member} (its tools would have
--       too many), {"empty", member} (an empty list would replace
--       a good one), {"staging", member} (the staged
--       value is gone), or {"members", member, …} (other members whose keys have to be declared; what is staged stays
--       there). Times are milliseconds.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/info.lua
-- include: parts/lifetime.lua
-- include: parts/basis.lua
-- include: parts/members.lua
-- include: parts/renewal.lua
-- include: parts/put_read.lua
-- include: parts/put_fences.lua
-- include: parts/put_limits.lua

-- A list is good when something stands between its brackets.
for _, record in ipairs(records) do
  local loses_tools = record.action == 'replace_empty' and string.find(record.list, '^%s*%[%s*[^%s%]]')
  if loses_tools then return refuse('empty', record.member) end
end

-- include: parts/put_write.lua
return answer
