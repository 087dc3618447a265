drop table _ayb_user_tokens;
