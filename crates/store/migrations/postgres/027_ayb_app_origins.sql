-- Browser origins that may read answers to the credentials of an app; none for the server's own setting, as with clients.
alter table _ayb_apps add column allowed_origins text[] not null default '{}';
