//! Whole journeys: a discovered client, providers that differ, real sockets.

mod api_test;
mod blocking_test;
mod login_test;
mod loopback_test;
mod mock_server_test;
mod provider_compat_test;
mod sample_integration_test;
mod tls_test;
mod torture_test;
mod transport_test;
