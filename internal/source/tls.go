package source

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"

	"github.com/go-sql-driver/mysql"

	"leap/internal/endpoint"
	"leap/internal/fault"
)

// setTLS gives the driver the endpoint's TLS mode, with libpq's meaning of the modes.
func setTLS(cfg *mysql.Config, e endpoint.Endpoint) error {
	mode := e.TLS.Mode
	if mode == endpoint.Disable || mode == "" || (e.Socket != "" && mode == endpoint.Prefer) {
		return nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if e.TLS.RootCert != "" {
		pem, err := os.ReadFile(e.TLS.RootCert)
		if err != nil {
			return fault.New(fault.Usage, "check sslrootcert in the source's address", "root certificate of the source: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return fault.New(fault.Usage, "check sslrootcert in the source's address",
				"root certificate of the source: %s holds no PEM certificate", e.TLS.RootCert)
		}
	}
	if e.TLS.Cert != "" {
		pair, err := tls.LoadX509KeyPair(e.TLS.Cert, e.TLS.Key)
		if err != nil {
			return fault.New(fault.Usage, "check sslcert and sslkey in the source's address", "client certificate for the source: %w", err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	switch mode {
	case endpoint.Disable:
	case endpoint.Prefer:
		cfg.AllowFallbackToPlaintext = true
		conf.InsecureSkipVerify = true
	case endpoint.Require:
		conf.InsecureSkipVerify = true
	case endpoint.VerifyCA:
		conf.InsecureSkipVerify = true // replaced by the check of the chain alone
		conf.VerifyConnection = verifyChain(conf.RootCAs)
	case endpoint.VerifyFull:
		conf.ServerName = e.Host
	}
	cfg.TLS = conf
	return nil
}

// verifyChain checks that a known root signed the certificate, whatever host it names.
func verifyChain(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the server sent no certificate")
		}
		opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, c := range state.PeerCertificates[1:] {
			opts.Intermediates.AddCert(c)
		}
		_, err := state.PeerCertificates[0].Verify(opts)
		return err //nolint:wrapcheck // crypto/tls reports it as it is
	}
}
