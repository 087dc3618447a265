drop table _ayb_api_keys;
