drop table _ayb_signing_keys;
