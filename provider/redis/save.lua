-- Stores a value under KEYS[1], or deletes what is there, if the version allows it.
--
-- ARGV[1]  the value; "" to delete
-- ARGV[2]  what every value begins with
-- ARGV[3]  the expected version, in 8 bytes; "" for no record, "any" for any or none
-- ARGV[4]  when the value expires, for PXAT; "" for never
--
-- Returns 1 if that is done, also if an earlier attempt has done it; the value that
-- stands in the way, or nil if there is none; 0 if there is something else.
--
-- Versions are bytes here: as numbers they would be doubles, exact only to 2^53.

local key, value, magic, expect, expires = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local first, last = #magic + 1, #magic + 8 -- of the version

local head = redis.pcall('GETRANGE', key, 0, last - 1)
if type(head) == 'table' then
	return head -- WRONGTYPE
end
local version = string.sub(head, first)
if #version == 8 then
	if string.sub(head, 1, #magic) ~= magic then
		return 0
	end
elseif head ~= '' or redis.call('EXISTS', key) == 1 then
	return 0
end

if expect ~= 'any' and expect ~= version then
	if version == string.sub(value, first, last) then
		return 1
	end
	-- Not GET: a replica would answer that, and may be behind.
	return redis.pcall('GETEX', key)
end

local done
if value == '' then
	done = redis.pcall('DEL', key)
elseif expires == '' then
	done = redis.pcall('SET', key, value)
else
	done = redis.pcall('SET', key, value, 'PXAT', expires)
end
if type(done) == 'table' and done.err then
	return done -- OOM, READONLY
end
return 1
