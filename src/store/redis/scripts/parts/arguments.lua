-- KEYS and ARGV are read one after the other, in the order in which the caller appended them.
local keys_read, arguments_read = 0, 0
local function key()
  keys_read = keys_read + 1
  return KEYS[keys_read]
end
local function argument()
  arguments_read = arguments_read + 1
  return ARGV[arguments_read]
end
local function number() return tonumber(argument()) end
local function has_arguments() return arguments_read < #ARGV end
