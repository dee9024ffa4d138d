-- Times are milliseconds. A Lua number holds integers up to 2^53 exactly: microseconds until the year 2255.
local clock = call('TIME')
local now_us = clock[1] * 1000000 + clock[2]
local now = math.floor(now_us / 1000)
local function int(n) return string.format('%d', n) end
