-- The first write with an absolute limit decides when a record ends at the latest (0: no limit). Later writers keep it,
-- whatever limit they are configured with.
local function latest_expiry(latest, lifetime) return latest == 0 and lifetime > 0 and now + lifetime or latest end
local function limited(expires, latest) return latest > 0 and math.min(expires, latest) or expires end
