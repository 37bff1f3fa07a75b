-- title: Cross-account use
-- description: Keys used by callers of another account, or of another Vault namespace. A call between accounts is
--   logged in both: the caller's copy (`seen_in` is the caller's account) names the role, the owner's copy names only
--   the account, so the same calls stand in two rows. Denied calls from outside are logged only on the caller's side.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events
-- columns: key_account, principal_account, seen_in, key_id, catalog_id, principal, function, calls, violations, first_use,
--   last_use
SELECT key_account, principal_account, account AS seen_in, key_id, catalog_id, principal, function,
       count(*) AS calls,
       count(*) FILTER (WHERE verdict = 'violation') AS violations,
       min(event_time) AS first_use,
       max(event_time) AS last_use
FROM events
WHERE category = 'use'
  AND key_account IS NOT NULL
  AND principal_account IS NOT NULL
  AND key_account <> principal_account
  AND event_time >= $from AND event_time < $until
  AND corrects IS NULL
GROUP BY key_account, principal_account, account, key_id, catalog_id, principal, function
ORDER BY calls DESC, key_id, principal
