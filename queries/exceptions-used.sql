-- title: Exceptions that were used
-- description: Each exception of the catalog under which something was allowed that would else have been a
--   violation: who used it, on which key, how often and when last. Exceptions without a row here were not needed
--   and can end.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events
-- columns: exception_id, catalog_id, key_id, principal, aspects, uses, first_use, last_use
SELECT exception_id, catalog_id, key_id, principal,
       array_to_string(waived, ', ') AS aspects,
       count(*) AS uses,
       min(event_time) AS first_use,
       max(event_time) AS last_use
FROM events
WHERE exception_id IS NOT NULL
  AND event_time >= $from AND event_time < $until
  AND corrects IS NULL
GROUP BY exception_id, catalog_id, key_id, principal, array_to_string(waived, ', ')
ORDER BY exception_id, uses DESC
