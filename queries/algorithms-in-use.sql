-- title: Algorithms in use
-- description: Which algorithms keys are used with, by key: the inventory for a move to other algorithms, post-quantum
--   ones among them. Where the audit device hashes the algorithm, the hash stands in its place.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events
-- columns: algorithm, function, key_id, uses, last_use
SELECT algorithm, function, key_id,
       count(*) AS uses,
       max(event_time) AS last_use
FROM events
WHERE algorithm IS NOT NULL
  AND category = 'use'
  AND outcome NOT IN ('denied', 'refused', 'dry_run', 'failed')
  AND event_time >= $from AND event_time < $until
  AND corrects IS NULL
GROUP BY algorithm, function, key_id
ORDER BY algorithm, uses DESC, key_id
