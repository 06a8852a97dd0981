//! The keys are those of RFC 7515 and RFC 8037, converted with OpenSSL, or were made for these tests.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};

use super::*;

/// RFC 7515, appendix A.3.1.
const EC_PKCS8: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff
H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp
7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt
-----END PRIVATE KEY-----
";

/// The same key, as `openssl ec` writes it.
const EC_SEC1: &str = "\
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49
AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b
focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==
-----END EC PRIVATE KEY-----
";

/// The same key, as `openssl ec -no_public` writes it.
const EC_SEC1_WITHOUT_PUBLIC_KEY: &str = "\
-----BEGIN EC PRIVATE KEY-----
MDECAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49
AwEH
-----END EC PRIVATE KEY-----
";

/// RFC 7515, appendix A.2.1.
const RSA_PKCS8: &str = "\
-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh+BYK4uPJtGXO
jS1lYmM2K5J9vinh8CR3/BYlzJChNuOL2TSXxbbqY913EeZ8dCn5VrD7io8ImtxL
aYk8wTM/U+3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8TA5a8bpvfbr3SvaNn
juygxmj3AbONv/s4yDQs4v5tJ/reSlpIdJed1LnPmt7Ex1sFhSwsD174pcF1A5L5
ROjtZMEQxrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkf
toaHLFcW9Qr4NY2ai50Xw0Byj3+H2JoY2PyrZ62EWQwuz3WTOTY8BwNNb2BvniHg
VFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyW
PEAeP88vLNO97IjlA7/GQ5sLKMgvfTeXZx9SE+7YwVol2NXOoAJe46sui395IW/G
O+pWJ1O0BkTGoVEn2bKVRUCgu+GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzj
kn439X0M/V51gfpRLI9JYanrC4D4qAdGcopV/0ZHHzQlBjudU2QvXt4ehNYTCBr6
XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl/x/jTj3ccPDVZFD9pIuhLhBOneufuBiB
4cS98l2SR/RQyGWSeWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0K
pLttoLhyt3SmqdEf/kgHePDdtzEafpAu+cS191R2JiuoF2yzWXnwFDcqGigp5BNr
0AHQfD8/Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDnEd3BbVWG8qf6deqE
lMGAg+C2V0L4oNXnP7LZcPAZRwKBgQC5A8R+CZW2MvRTLLHzwZkUXV866cff7tx6
kqa0finGG0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAP
rq3rbAOal78eUH5OcED6eNuCV8ixEu1eWcPNCS/l1OW1EnXUEoEHKl54Xrrz2uNw
kgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7/Ls5bkUp
5u9SN0Ai3Ya6hNnvWJMb7sXQX6U/zyO2M/hTip7tUeh7CXgwo59dkpN75gJLVds2
9+DAncu3KXU4f2Fa+7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf/
evpitUf+4JYbLpvNXWcY052Mpz22aR84mY3nh3F2LF2mjMJDpTg7FmuyPcVw6EcG
yoAe9fa65iNqCq+jdw6PVNGo2hxfjSiZ8IIzHdsPXI89//pMjZcQK9r+CCoRjaZj
OYiIDktVWZzmevJuv6WywUqd57LE3Zar3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2
tOgrjbcrfvtQJipd+DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd/QJQ3
ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp/gh6A56
03k2+ZQwVK0JKSHuLFkuQ3U=
-----END PRIVATE KEY-----
";

/// The same key, as `openssl rsa -traditional` writes it.
const RSA_PKCS1: &str = "\
-----BEGIN RSA PRIVATE KEY-----
MIIEowIBAAKCAQEAofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd/wWJcyQoTbji9k0
l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL+yRT+SFd2lZS+pC
gNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb/7OMg0LOL+bSf63kpaSHSX
ndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD
Zlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxXFvUK+DWNmoudF8NAco9/h9iaGNj8
q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQIDAQABAoIBABKucaRpzQorw35S
bEUAVx8dYXUdZOlJcHtiWQ+dC6V8ljxAHj/PLyzTveyI5QO/xkObCyjIL303l2cf
UhPu2MFaJdjVzqACXuOrLot/eSFvxjvqVidTtAZExqFRJ9mylUVAoLvhowVWmC1O
n95fZCXxTUtxNEG1Xcc7m0rtzJKs45J+N/V9DP1edYH6USyPSWGp6wuA+KgHRnKK
Vf9GRx80JQY7nVNkL17eHoTWEwga+lwi0FEoW9Y7lDtWXYmKBWhUE+U8PGxlJf8f
40493HDw1WRQ/aSLoS4QTp3rn7gYgeHEvfJdkkf0UMhlknlo53M09EFPdadQ4TlU
bjqKc50CgYEA4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH/5IB3jw3bcxGn6QLvnE
tfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw/Py5PJdTJNPY8cQn7ouZ2KKDcmnPG
BY5t7yLc1QlQ5xHdwW1VhvKn+nXqhJTBgIPgtldC+KDV5z+y2XDwGUcCgYEAuQPE
fgmVtjL0Uyyx88GZFF1fOunH3+7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYs
p1ZSe7zFYHj7C6ul7TjeLQeZD/YwD66t62wDmpe/HlB+TnBA+njbglfIsRLtXlnD
zQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdcCgYAHAp9XcCSrn8wVkMVkKdb7
DOX4IKjzdahm+ctDAJN4O/y7OW5FKebvUjdAIt2GuoTZ71iTG+7F0F+lP88jtjP4
U4qe7VHoewl4MKOfXZKTe+YCS1XbNvfgwJ3Ltyl1OH9hWvu2yza7q+d5PCsDzqtm
27kxuvULVeya+TEdAB1ijQKBgQCH/3r6YrVH/uCWGy6bzV1nGNOdjKc9tmkfOJmN
54dxdixdpozCQ6U4OxZrsj3FcOhHBsqAHvX2uuYjagqvo3cOj1TRqNocX40omfCC
Mx3bD1yPPf/6TI2XECva/ggqEY2mYzmIiA5LVVmc5nrybr+lssFKneeyxN2Wq93S
0iJMdQKBgCGHewxzoa1r8ZMD0LETNrToK423K377UCYqXfg5XMclbrjPbEC3YI1Z
NqMtuhdBJqUnBi6tjKMF+34Xf0CUN8ncuXGO2CAYvO8PdyCixHX52ybaDjy1FtCE
6yUXjoKNXKvUm7MWGsAYH6f4IegOetN5NvmUMFStCSkh7ixZLkN1
-----END RSA PRIVATE KEY-----
";

/// RFC 8037, appendix A.1.
const ED25519_PKCS8: &str = "\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";

/// An EC key on P-384.
const P384_PKCS8: &str = "\
-----BEGIN PRIVATE KEY-----
MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDDMavYCCa016p0ZDXSY
5XXLQd4jBgKWERCtIH5C9EAwOsZS2psdzQwTE/8f28fy/xqhZANiAAQj3An0TOD8
581Bz5FCQBu30K5hCFUAUNCeR0+GQeXzTOZ2EjrHSX/yGw9ggdHqCUX/0rQGI42P
UjZ2wSxqglWXO9NRwkVEBGj/La+2sS+Nb3R2kZFRrvy/NlhBAX1tVmY=
-----END PRIVATE KEY-----
";

/// An EC key on P-384.
const P384_SEC1: &str = "\
-----BEGIN EC PRIVATE KEY-----
MIGkAgEBBDDQDzsqlnACpJ8tfLQEVdDb3ZhCTJbELsb0vfvNPreRTPUyqnQbl27N
TiYXX/9HT+ugBwYFK4EEACKhZANiAAS05pW09NWDICAc+82CtH6HH4BkA7TEes8Z
jvhtmaUZbZsBhKrrxG8F4GKq1wtviFngkHKJpzP/bsS2zfo1HJRdkXpBO4SQ/C92
robCzfG4C7X3Yrpj7ZX/LCvAP1wSxP8=
-----END EC PRIVATE KEY-----
";

/// An RSA key with 1024 bits.
const SMALL_RSA: &str = "\
-----BEGIN RSA PRIVATE KEY-----
MIICXgIBAAKBgQC0vQZEBKnNv/292Iho1dnL6Bie6arVGcrXlRdxqAEYsRcv9ww1
9t4+vbBtPnY2LuivCPi2fN523bc+dCdTT6DM5QLN7/Y9ajV2vRdHt9nB1Cz0cNXI
uNNPEqxpZ68wiwhFfNbVBxhJYY8CSiWr6Jc/E7WfTEuftU1SDgzP4TJkXQIDAQAB
AoGANnBpHru42bxmlXRPQiSHwZ9bKyJ+zklCi8Tglt9f1SwiK9Rh3S9KqeNA7ObP
fGqMs4wkPfNGns8RjsI1xiZJ7GshmjfEqbtMZ/9rr9MSAYWKLn/SmPOfDWqRT7I7
1nMZtbaYxpZiyfBlqrotrkIdmdolVLeC5XXnHtyCqKNfRwECQQDt3wmEnZsLKPWn
6UuKHQKHcXHmN6Dnd6L9yhrMuIHUk5qNWwkRHch8Ze2uI69Y9gJTuWmfLGcleE99
P7WOPtTtAkEAwoNNZtkA/Zne+kLL5lWdBESPvlKDPliZIF1gJQ8ohwpd2KBnmEaM
Dwc3yEBVefK7e3hBi2icTk6lP5kcHQDPMQJBAJ7VbHSaDLpR+l7JoAA0SMkKDmUM
RivpLfPLLUP/++lnOi8jV5WPTp0KLsA14dNESd+AEjAQJTvW7zUSAnheKi0CQQCm
rp3FZG/U4eaRzmusFfFXlukWzt5orsOJWHrrRvITxm5lFA+yDcI3npfOolKdDcRb
KdIBBMPs1rgEp8/PisIBAkEAmI2T73VNM4gZdOq1Q8iACBjejxkm4JPuDK2yamlL
A533JrFCI9EKe3ElW0Bhm+FD+ru7iiTprWsw7MspqhnF1Q==
-----END RSA PRIVATE KEY-----
";

/// An encrypted key.
const ENCRYPTED_PKCS8: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjIJAFerz3vcwICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEGgPQUBv46H97nolKqj+5lYEQAQd
wPAXpvxJ+c43GqlIQeCWsD2EOmFkQXMInL7S8XuTO2RK4ndpYhmIFkAUeyq2/Sns
mTu2ocaBMUppldDwzyM=
-----END ENCRYPTED PRIVATE KEY-----
";

/// The beginning of an encrypted key in the old format of OpenSSL.
const ENCRYPTED_PKCS1: &str = "\
-----BEGIN RSA PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,C3C3C97BAF9EDE0168F34D12BEBA92BC

geWD6pmOJplOloZUpDDij3by/dPAqlxDQ/7QeR1hUSjKwChcUnhlyuZ3EQODA+G8
-----END RSA PRIVATE KEY-----
";

fn base64url(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn key(pem: &str) -> SigningKey {
    SigningKey::from_pem(pem).unwrap()
}

fn problem(pem: &str) -> String {
    let error = SigningKey::from_pem(pem).unwrap_err();
    assert_eq!(error.status(), MCP_INVALID_ARGUMENT);
    error.to_string().strip_prefix("the private key cannot be used: ").unwrap().to_owned()
}

#[test]
fn sha256_is_that_of_fips_180() {
    let hex = |bytes: [u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(hex(sha256(b"")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn sha256_makes_the_code_challenge_of_rfc_7636() {
    let verifier = b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    assert_eq!(base64url(&sha256(verifier)), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

#[test]
fn random_bytes_differ() {
    assert_ne!(*random_bytes::<32>().unwrap(), *random_bytes::<32>().unwrap());
}

#[test]
fn rs256_signs_as_in_rfc_7515() {
    let input = b"eyJhbGciOiJSUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    for pem in [RSA_PKCS8, RSA_PKCS1] {
        let key = key(pem);
        assert_eq!(key.algorithm().name(), "RS256");
        assert_eq!(
            base64url(&key.sign(input).unwrap()),
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF\
             9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383Lc\
             OLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlV\
             mtVrBp0igcN_IoypGlUPQGe77Rw"
        );
    }
}

#[test]
fn eddsa_signs_as_in_rfc_8037() {
    let key = key(ED25519_PKCS8);
    assert_eq!(key.algorithm().name(), "EdDSA");
    let signature = key.sign(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc").unwrap();
    assert_eq!(
        base64url(&signature),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
    let public = BASE64_URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
    let verified = UnparsedPublicKey::new(&ED25519, public)
        .verify(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc", &signature);
    assert!(verified.is_ok());
}

#[test]
fn es256_signs_for_the_public_key_of_rfc_7515() {
    let coordinate = |text| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
    let x = coordinate("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
    let y = coordinate("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    // The uncompressed form (SEC 1, section 2.3.3).
    let point = [&[0x04], &x[..], &y[..]].concat();
    for pem in [EC_PKCS8, EC_SEC1] {
        let key = key(pem);
        assert_eq!(key.algorithm().name(), "ES256");
        let signature = key.sign(b"input").unwrap();
        // The fixed form has 64 bytes: R and S (RFC 7518, section 3.4).
        assert_eq!(signature.len(), 64);
        let verified = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).verify(b"input", &signature);
        assert!(verified.is_ok());
    }
}

#[test]
fn a_key_is_found_among_other_texts_of_a_pem_file() {
    let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    let windows = EC_SEC1.replace('\n', "\r\n");
    for pem in [format!("Bag Attributes\n{certificate}{EC_PKCS8}"), format!("{parameters}{EC_SEC1}"), windows] {
        assert_eq!(key(&pem).algorithm().name(), "ES256");
    }
}

#[test]
fn unsupported_keys_are_rejected_with_the_reason() {
    let supported = "supported are EC keys on P-256, RSA keys with 2048 to 4096 bits, and Ed25519";
    assert_eq!(problem(P384_PKCS8), format!("its algorithm is not supported; {supported}"));
    assert_eq!(problem(P384_SEC1), format!("its algorithm is not supported; {supported}"));
    assert_eq!(problem(SMALL_RSA), "RSA keys must have 2048 to 4096 bits");
    for encrypted in [ENCRYPTED_PKCS8, ENCRYPTED_PKCS1] {
        assert_eq!(problem(encrypted), "it is encrypted; decrypt it (openssl pkey -in KEY -out NEW_KEY)");
    }
    assert_eq!(
        problem(EC_SEC1_WITHOUT_PUBLIC_KEY),
        "it is not a valid EC key, or its public key is missing (openssl ec -in KEY -out NEW_KEY adds it)"
    );
}

#[test]
fn texts_that_are_not_keys_are_rejected_without_quoting_them() {
    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    let not_base64 = format!("{begin}\nsecret!\n{end}\n");
    let cut = EC_PKCS8.strip_suffix("-----END PRIVATE KEY-----\n").unwrap();
    for pem in ["", "secret", &not_base64, cut, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"] {
        assert!(problem(pem).starts_with("it is not a PEM text with a private key"));
    }
    let not_der = format!("{begin}\nAAAA\n{end}\n");
    assert_eq!(problem(&not_der), "it is not a valid PKCS#8 key");
}

#[test]
fn debug_output_has_no_key() {
    assert_eq!(format!("{:?}", key(EC_PKCS8)), "SigningKey(ES256)");
}
