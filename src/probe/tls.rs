//! TLS for `https` probes. The system's certificates are read once, when the first such probe is asked.

use std::sync::{Arc, OnceLock};

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::Answer;
use super::connect::{bare, shown};
use crate::model::TcpTarget;

/// Whose certificate will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// One that the system trusts.
    Checked,
    /// Anybody's (`insecure: true`).
    Anything,
}

/// Speaks TLS over `stream`.
pub(super) async fn connect(
    stream: TcpStream,
    target: &TcpTarget,
    trust: Trust,
) -> Result<TlsStream<TcpStream>, Answer> {
    let host = bare(&target.host);
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Answer::bad(format!("`{host}` cannot be the name in a certificate")))?;
    let config = config(trust).map_err(|error| Answer::bad(format!("cannot set up TLS: {error}")))?;
    TlsConnector::from(config).connect(name, stream).await.map_err(|error| {
        let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        let hint = match cause {
            Some(Error::InvalidCertificate(_)) => "; `insecure: true` accepts any certificate",
            _ => "",
        };
        Answer::bad(format!("no TLS with {}: {error}{hint}", shown(target)))
    })
}

fn config(trust: Trust) -> Result<Arc<ClientConfig>, Error> {
    static CHECKED: OnceLock<Result<Arc<ClientConfig>, Error>> = OnceLock::new();
    static ANYTHING: OnceLock<Result<Arc<ClientConfig>, Error>> = OnceLock::new();
    match trust {
        Trust::Checked => CHECKED.get_or_init(checked).clone(),
        Trust::Anything => ANYTHING.get_or_init(anything).clone(),
    }
}

fn checked() -> Result<Arc<ClientConfig>, Error> {
    let mut roots = RootCertStore::empty();
    // Those that cannot be read or parsed are not trusted; the connection's error says so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

fn anything() -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let verifier = Arc::new(AnyCertificate(provider));
    Ok(Arc::new(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()))
}

/// Asks only that the server has the key of the certificate it shows.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
