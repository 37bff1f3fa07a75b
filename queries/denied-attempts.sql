-- title: Denied and refused attempts
-- description: Calls that a policy or the key itself stopped, by caller and key. One caller over many keys is
--   somebody looking around; one caller on one key at a steady rate is a broken deployment.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- param principal text default '': only this caller, or all where empty
-- reads: events
-- columns: principal, key_id, action, outcome, error_code, attempts, first_time, last_time
SELECT principal, key_id, action, outcome, error_code,
       count(*) AS attempts,
       min(event_time) AS first_time,
       max(event_time) AS last_time
FROM events
WHERE outcome IN ('denied', 'refused', 'dry_run')
  AND event_time >= $from AND event_time < $until
  AND corrects IS NULL
  AND ($principal = '' OR principal = $principal)
GROUP BY principal, key_id, action, outcome, error_code
ORDER BY attempts DESC, principal, key_id
