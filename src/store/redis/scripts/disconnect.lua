#!lua flags=allow-oom
-- Writes records of one owner as put.lua does, with the same KEYS, ARGV and answers, on a server that is out of memory
-- too: for records that become DISCONNECTED and free more than they take.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/info.lua
-- include: parts/lifetime.lua
-- include: parts/basis.lua
-- include: parts/members.lua
-- include: parts/renewal.lua
-- include: parts/put_read.lua
-- include: parts/put_fences.lua
-- include: parts/put_write.lua
return answer
