-- title: Everything root did
-- description: Calls by a Vault root token or by the root user of an AWS account, newest first. Outside of an
--   announced bootstrap or recovery the answer should be empty.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events
-- columns: event_time, provider, account, namespace, category, action, outcome, key_id, source_ip, credential_id, event_id
SELECT event_time, provider, account, namespace, category, action, outcome, key_id, source_ip, credential_id, event_id
FROM events
WHERE caller_kind = 'root'
  AND event_time >= $from AND event_time < $until
ORDER BY event_time DESC
