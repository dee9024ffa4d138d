// SPDX-License-Identifier: MIT
#pragma once
#include <initializer_list>
#include <string_view>

#include "store/faults.hh"
#include "store/redis/scripts.hh"

// What the Lua programs are put together from.
namespace mcpstate::redis_scripts {

// What the programs share. Times are milliseconds; Lua numbers hold integers to 2^53 exactly, microseconds until 2255.
inline constexpr std::string_view prelude = R"lua(
local clock = redis.call('TIME')
local now_us = clock[1] * 1000000 + clock[2]
local now = math.floor(now_us / 1000)
local function int(n) return string.format('%d', n) end

-- revision, expires_at, expires_latest, and where expires_at stands (1-based, width) in a record's :info
local function read_head(info)
  local rev, pos, exp, latest = string.match(info, '^{"revision":(%d+),"expires_at":()(%d+),"expires_latest":(%d+),')
  if not rev then return 0, 0, 0, nil, 0 end
  return tonumber(rev), tonumber(exp), tonumber(latest), pos, #exp
end
local function head_of(key) return read_head(redis.call('GETRANGE', key, 0, 127)) end

local function is(expected, found)
  if found then return expected == '+' .. found end
  return expected == '-'
end
)lua";

// A record's last moment (0: none) is decided by the first write that has a limit, and then kept, whatever later writers are
// configured with.
inline constexpr std::string_view lifetime = R"lua(
local function last_moment(latest, life) return latest == 0 and life > 0 and now + life or latest end
local function within(at, latest) return latest > 0 and math.min(at, latest) or at end
)lua";

// A foreign program writes members and keys without expiry, and knows nothing of :servers. On contact its records get an
// expiry and a place in :servers; one without a status may be half written, and is left alone.
inline constexpr std::string_view adopt = R"lua(
local longest = 0
local function adopt(prefix, servers, member, ttl)
  local base = prefix .. 'server:' .. member .. ':'
  for _, field in ipairs({'status', 'tools', 'connected_at', 'info'}) do
    local left = redis.call('PTTL', base .. field)
    if left == -1 then left = redis.call('PEXPIREAT', base .. field, int(now + ttl)) * ttl end
    if left > 0 then longest = math.max(longest, now + left) end
  end
  if redis.call('EXISTS', base .. 'status') == 1 then redis.call('SADD', servers, member) end
end
)lua";

// A set outlives its longest member by half a ttl or more: a foreign program adds members to it and renews nothing. One that
// comes near its end looks at all its members first, because a foreign program may have renewed theirs since we met them.
inline constexpr std::string_view renew_sets = R"lua(
local function renew_set(prefix, servers, key, at, ttl)
  local left = redis.call('PTTL', key)
  if left == -2 or (left >= 0 and now + left >= at + ttl / 2) then return end
  for _, member in ipairs(redis.call('SMEMBERS', key)) do
    local lives = redis.call('PTTL', prefix .. 'server:' .. member .. ':status')
    if lives == -1 then adopt(prefix, servers, member, ttl) end
    if lives > 0 then at = math.max(at, now + lives) end
  end
  at = math.max(at, longest)
  redis.call('PEXPIREAT', key, int(at + ttl))
end
local function renew_sets(prefix, connections, servers, at, ttl)
  local fresh = redis.call('PTTL', connections) == -1
  local foreign = fresh and redis.call('SMEMBERS', connections) or redis.call('SDIFF', connections, servers)
  for _, member in ipairs(foreign) do adopt(prefix, servers, member, ttl) end
  at = math.max(at, longest)
  renew_set(prefix, servers, connections, at, ttl)
  renew_set(prefix, servers, servers, at, ttl)
end
)lua";

inline constexpr std::string_view renew_no_sets = R"lua(
local function renew_sets() end
)lua";

// The parts one after the other, and their digest.
[[nodiscard]] script make(std::initializer_list<std::string_view> parts);

// The part, or nothing when the tests ask for a store without it.
inline std::string_view unless(fault which, std::string_view part, std::string_view instead = {}) {
  return active(which) ? instead : part;
}

inline std::string_view set_renewal() { return unless(fault::no_set_ttl, renew_sets, renew_no_sets); }

}  // namespace mcpstate::redis_scripts
