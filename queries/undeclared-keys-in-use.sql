-- title: Undeclared keys in use
-- description: Keys that are used and that no catalog entry declares, with their owners' accounts and how many
--   callers they have. Each wants an entry, or an end.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events
-- columns: key_id, key_alias, key_account, uses, callers, functions, first_use, last_use
SELECT key_id, max(key_alias) AS key_alias, key_account,
       count(*) AS uses,
       count(DISTINCT principal) AS callers,
       count(DISTINCT function) AS functions,
       min(event_time) AS first_use,
       max(event_time) AS last_use
FROM events
WHERE verdict = 'undeclared'
  AND category = 'use'
  AND outcome <> 'failed'
  AND event_time >= $from AND event_time < $until
  AND corrects IS NULL
GROUP BY key_id, key_account
ORDER BY uses DESC, key_id
