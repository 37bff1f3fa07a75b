-- title: Policy and grant changes
-- description: Every change of who may use keys and secrets: key policies, grants, roles, Vault policies, tokens with
--   rights of their own, shares. Log-ins and short-lived role sessions are left out. `by_pipeline` is false where
--   somebody changed it by hand.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- param key text default '': only changes of this key, or all where empty
-- param by_hand boolean default false: only changes that no declared pipeline made
-- reads: events
-- columns: event_time, service, action, outcome, key_id, principal, session_name, by_pipeline, by_administrator, source_ip,
--   request, event_id
SELECT event_time, service, action, outcome, key_id, principal, session_name, by_pipeline, by_administrator, source_ip,
       request, event_id
FROM events
WHERE category = 'access'
  AND action NOT IN ('auth.login', 'auth.secret_id.create', 'token.create', 'token.create_orphan', 'token.revoke',
                     'sys.leases.revoke', 'AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity',
                     'GetSessionToken', 'GetFederationToken', 'ConsoleLogin')
  AND event_time >= $from AND event_time < $until
  AND ($key = '' OR key_id = $key)
  AND ($by_hand = false OR by_pipeline = false)
ORDER BY event_time DESC
