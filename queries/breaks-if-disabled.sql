-- title: What breaks if this key is disabled
-- description: The callers that used the key successfully in the period, with the services they came through and
--   their rhythm: uses a day and the last one. Ask before disabling, deleting or suspending a key. Objects that a
--   service opens with a cached data key do not show.
-- param key text required: the key's canonical name
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events
-- columns: principal, caller_kind, via, reads_back, protects, days_active, uses, first_use, last_use
WITH per_day AS (
  SELECT principal, caller_kind, via, date_trunc('day', event_time) AS day,
         count(*) AS uses,
         count(*) FILTER (WHERE function IN ('decrypt', 'unwrap', 'verify', 'mac_verify', 'decapsulate',
                                             'reencrypt_from', 'retrieve')) AS reads_back,
         min(event_time) AS first_use,
         max(event_time) AS last_use
  FROM events
  WHERE key_id = $key
    AND category = 'use'
    AND outcome IN ('success', 'partial', 'check_failed', 'unknown')
    AND event_time >= $from AND event_time < $until
    AND corrects IS NULL
  GROUP BY principal, caller_kind, via, date_trunc('day', event_time)
)
SELECT principal, caller_kind, via,
       sum(reads_back) AS reads_back,
       sum(uses) - sum(reads_back) AS protects,
       count(*) AS days_active,
       sum(uses) AS uses,
       min(first_use) AS first_use,
       max(last_use) AS last_use
FROM per_day
GROUP BY principal, caller_kind, via
ORDER BY last_use DESC, uses DESC
