drop table _ayb_users;
