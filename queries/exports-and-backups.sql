-- title: Exports, backups and imports of key material
-- description: Every time key material left or entered: exports, wrapped exports, plaintext backups, restores and
--   imports, with attempts. `exportable` is what the catalog says of the key.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events
-- columns: event_time, function, action, outcome, key_id, other_key_id, catalog_id, exportable, principal, session_name,
--   source_ip, verdict, event_id
SELECT event_time, function, action, outcome, key_id, other_key_id, catalog_id, exportable, principal, session_name,
       source_ip, verdict, event_id
FROM events
WHERE function IN ('export', 'backup', 'import')
  AND event_time >= $from AND event_time < $until
ORDER BY event_time DESC
