//! One file for each part of the specification's test layout.

mod authorization_code_test;
mod bounds_test;
mod client_authentication_test;
mod client_credentials_test;
mod dependency_test;
mod device_flow_test;
mod dpop_test;
mod error_mapping_test;
mod id_token_test;
mod introspection_test;
mod leak_test;
mod logout_token_test;
mod pkce_test;
mod presets_test;
mod pushed_test;
mod recovery_test;
mod registration_test;
mod resilience_test;
mod state_validation_test;
mod telemetry_test;
mod token_manager_test;
mod token_race_test;
mod token_storage_test;
mod validator_test;
mod ways_test;
