-- title: Use per hour
-- description: The rhythm of a key, of a caller, or of everything: how many uses in each hour, and how many of them
--   were blocked or not allowed. Bursts, silences and off-hours show at a glance.
-- param key text default '': only this key, or all where empty
-- param principal text default '': only this caller, or all where empty
-- param from timestamp default now-7d: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events
-- columns: hour, function, uses, blocked, violations
SELECT date_trunc('hour', event_time) AS hour, function,
       count(*) AS uses,
       count(*) FILTER (WHERE outcome IN ('denied', 'refused')) AS blocked,
       count(*) FILTER (WHERE verdict = 'violation') AS violations
FROM events
WHERE category = 'use'
  AND event_time >= $from AND event_time < $until
  AND corrects IS NULL
  AND ($key = '' OR key_id = $key)
  AND ($principal = '' OR principal = $principal)
GROUP BY date_trunc('hour', event_time), function
ORDER BY hour, function
