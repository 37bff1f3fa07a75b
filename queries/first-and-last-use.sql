-- title: First and last use of every key
-- description: For each key when it was first and last seen in use in the period, and how often. Old last uses are
--   candidates for suspension, new first uses want a look.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events
-- columns: key_id, catalog_id, owner, uses, first_use, last_use
SELECT key_id, catalog_id, owner,
       count(*) AS uses,
       min(event_time) AS first_use,
       max(event_time) AS last_use
FROM events
WHERE category = 'use'
  AND key_id IS NOT NULL
  AND outcome NOT IN ('denied', 'refused', 'dry_run', 'failed')
  AND event_time >= $from AND event_time < $until
  AND corrects IS NULL
GROUP BY key_id, catalog_id, owner
ORDER BY last_use, key_id
