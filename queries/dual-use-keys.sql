-- title: Keys used for more than one purpose
-- description: Keys that did things of two or more families (data encryption, wrapping, signature, MAC, key
--   agreement, encapsulation, derivation, certificates, tokens, secrets). This is SP 800-57 §5.2 without any catalog.
--   Wrapping beside encryption on one KMS key is how envelope encryption looks and is no second family here;
--   `declared` says what the catalog allows.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events
-- columns: key_id, catalog_id, declared, families, encrypts, signs, macs, agrees, other_families, uses, last_use
WITH used AS (
  SELECT key_id, catalog_id, purpose, function, provider, count(*) AS uses, max(event_time) AS last_use
  FROM events
  WHERE category = 'use'
    AND key_id IS NOT NULL
    AND function IS NOT NULL
    AND outcome NOT IN ('denied', 'refused', 'dry_run', 'failed')
    AND event_time >= $from AND event_time < $until
    AND corrects IS NULL
  GROUP BY key_id, catalog_id, purpose, function, provider
), families AS (
  SELECT key_id, catalog_id, purpose, uses, last_use,
         CASE
           WHEN function IN ('encrypt', 'decrypt', 'reencrypt_from', 'reencrypt_to') THEN 'encryption'
           WHEN function IN ('wrap', 'unwrap') AND provider = 'aws' THEN 'encryption'
           WHEN function IN ('wrap', 'unwrap') THEN 'wrapping'
           WHEN function IN ('sign', 'verify') THEN 'signature'
           WHEN function IN ('mac_generate', 'mac_verify') THEN 'mac'
           WHEN function IN ('key_agreement', 'encapsulate', 'decapsulate', 'derive') THEN 'agreement'
           WHEN function IN ('retrieve', 'store') THEN 'secret'
           ELSE function
         END AS family
  FROM used
)
SELECT key_id, max(catalog_id) AS catalog_id, max(purpose) AS declared,
       count(DISTINCT family) AS families,
       sum(CASE WHEN family = 'encryption' THEN uses ELSE 0 END) AS encrypts,
       sum(CASE WHEN family = 'signature' THEN uses ELSE 0 END) AS signs,
       sum(CASE WHEN family = 'mac' THEN uses ELSE 0 END) AS macs,
       sum(CASE WHEN family = 'agreement' THEN uses ELSE 0 END) AS agrees,
       sum(CASE WHEN family IN ('encryption', 'signature', 'mac', 'agreement') THEN 0 ELSE uses END) AS other_families,
       sum(uses) AS uses,
       max(last_use) AS last_use
FROM families
GROUP BY key_id
HAVING count(DISTINCT family) > 1
ORDER BY families DESC, uses DESC, key_id
