-- KEYS and ARGV are taken one after the other, in the order in which the caller appended them.
local call, KEYS, ARGV = redis.call, KEYS, ARGV
local keys_taken, arguments_taken = 0, 0
local function take_keys(count)
  keys_taken = keys_taken + count
  return unpack(KEYS, keys_taken - count + 1, keys_taken)
end
local function take(count)
  arguments_taken = arguments_taken + count
  return unpack(ARGV, arguments_taken - count + 1, arguments_taken)
end
local function has_arguments() return arguments_taken < #ARGV end
