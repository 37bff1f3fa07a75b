-- title: Uses per key and purpose
-- description: For each key what it is declared for and what was done with it. A row whose function does not belong
--   to the purpose is what CEK-11 asks about; the auditor's first page. Both copies of a cross-account call count.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- param purpose text default '': only keys of this purpose, or all where empty
-- reads: events
-- columns: purpose, use, catalog_id, key_id, function, uses, violations, first_use, last_use
SELECT purpose, use, catalog_id, key_id, function,
       count(*) AS uses,
       count(*) FILTER (WHERE verdict = 'violation') AS violations,
       min(event_time) AS first_use,
       max(event_time) AS last_use
FROM events
WHERE category = 'use'
  AND key_id IS NOT NULL
  AND outcome NOT IN ('denied', 'refused', 'dry_run', 'failed')
  AND event_time >= $from AND event_time < $until
  AND corrects IS NULL
  AND ($purpose = '' OR purpose = $purpose)
GROUP BY purpose, use, catalog_id, key_id, function
ORDER BY purpose NULLS LAST, use, catalog_id, key_id, uses DESC
