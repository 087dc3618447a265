-- Signing keys. A private key is sealed with the master key before it comes here; a public key is published before
-- its key signs, and stays published until its last signature is dead.
create table _ayb_signing_keys (
    kid text primary key,
    algorithm text not null check (algorithm in ('RS256', 'ES256', 'EdDSA')),
    state text not null check (state in ('next', 'active', 'retired')),
    private_key_sealed blob not null,
    public_jwk text not null,
    created_at integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    published_at integer not null,
    activated_at integer,
    retired_at integer,
    expires_at integer
) strict;
create unique index idx_signing_keys_active on _ayb_signing_keys (algorithm) where state = 'active';
