-- title: Cross-account use
-- description: Keys used by callers of another account, or of another Vault namespace. The two copies of one call,
--   one in each account, count once. Denied calls from outside are logged only on the caller's side.
-- param from timestamp default now-30d: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events
-- columns: key_account, principal_account, key_id, catalog_id, principal, function, calls, violations, first_use, last_use
SELECT key_account, principal_account, key_id, catalog_id, principal, function,
       count(DISTINCT coalesce(shared_event_id, event_id)) AS calls,
       sum(CASE WHEN verdict = 'violation' THEN 1 ELSE 0 END) AS violations,
       min(event_time) AS first_use,
       max(event_time) AS last_use
FROM events
WHERE category = 'use'
  AND key_account IS NOT NULL
  AND principal_account IS NOT NULL
  AND key_account <> principal_account
  AND event_time >= $from AND event_time < $until
  AND corrects IS NULL
GROUP BY key_account, principal_account, key_id, catalog_id, principal, function
ORDER BY calls DESC, key_id, principal
