-- title: Misuse by key, principal, tenant and month
-- description: Violations of declared purposes counted by month, with the aspects that failed. Attempts that were
--   blocked are counted apart from those that succeeded.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- param tenant text default '': only keys of this tenant, or all where empty
-- reads: events
-- columns: month, catalog_id, key_id, tenant, principal, aspects, succeeded, blocked, last_time
SELECT date_trunc('month', event_time) AS month,
       catalog_id, key_id, tenant, principal,
       array_to_string(violations, ', ') AS aspects,
       count(*) FILTER (WHERE outcome NOT IN ('denied', 'refused', 'dry_run')) AS succeeded,
       count(*) FILTER (WHERE outcome IN ('denied', 'refused', 'dry_run')) AS blocked,
       max(event_time) AS last_time
FROM events
WHERE verdict = 'violation'
  AND outcome <> 'failed'
  AND event_time >= $from AND event_time < $until
  AND corrects IS NULL
  AND ($tenant = '' OR tenant = $tenant)
GROUP BY date_trunc('month', event_time), catalog_id, key_id, tenant, principal, array_to_string(violations, ', ')
ORDER BY month DESC, succeeded DESC, catalog_id, principal
