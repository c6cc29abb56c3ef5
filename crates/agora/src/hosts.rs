//! Where the service is: a fixed list of hosts. What is on no list gets no request.

/// Every host of the service's REST interface: the two primaries, and the regions' under both suffixes.
pub const SERVICE_HOSTS: [&str; 18] = [
    "api.agora.io",
    "api.sd-rtn.com",
    "api-us-west-1.agora.io",
    "api-us-east-1.agora.io",
    "api-ap-southeast-1.agora.io",
    "api-ap-northeast-1.agora.io",
    "api-eu-west-1.agora.io",
    "api-eu-central-1.agora.io",
    "api-cn-east-1.agora.io",
    "api-cn-north-1.agora.io",
    "api-us-west-1.sd-rtn.com",
    "api-us-east-1.sd-rtn.com",
    "api-ap-southeast-1.sd-rtn.com",
    "api-ap-northeast-1.sd-rtn.com",
    "api-eu-west-1.sd-rtn.com",
    "api-eu-central-1.sd-rtn.com",
    "api-cn-east-1.sd-rtn.com",
    "api-cn-north-1.sd-rtn.com",
];

/// Whether this is a host of the service, by its name in small letters and without a port.
pub fn is_of_service(host: &str) -> bool {
    SERVICE_HOSTS.contains(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_hosts_are_the_services() {
        assert!(SERVICE_HOSTS.iter().all(|host| is_of_service(host)));
        for other in [
            "",
            "agora.io",
            "api.agora.io.",
            "api.agora.io:443",
            "xapi.agora.io",
            "api.agora.io.evil.example",
        ] {
            assert!(!is_of_service(other), "{other}");
        }
    }
}
