drop table _ayb_oauth_consents;
