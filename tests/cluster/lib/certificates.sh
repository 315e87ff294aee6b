# shellcheck shell=bash
# Keys, certificates and kubeconfigs. One authority for the cluster, one for the aggregation layer's front proxy.

make_certificates() {
    local folder="$STATE/certificates"
    mkdir -p "$folder"
    chmod 700 "$folder"
    make_authority ca kubestash-test-ca
    make_authority front-proxy-ca kubestash-test-front-proxy-ca
    openssl genrsa -out "$folder/service-account.key" 2048 2>/dev/null
    openssl rsa -in "$folder/service-account.key" -pubout -out "$folder/service-account.pub" 2>/dev/null

    local names="DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
    names+=",DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:$NODE_IP,IP:$API_SERVICE_IP"
    make_certificate ca kube-apiserver "/CN=kube-apiserver" serverAuth "$names"
    make_certificate ca kubelet-serving "/O=system:nodes/CN=system:node:node" serverAuth "DNS:node,IP:$NODE_IP"
    make_certificate front-proxy-ca front-proxy-client "/CN=front-proxy-client" clientAuth
    make_certificate ca kubelet-client "/O=system:masters/CN=kube-apiserver-kubelet-client" clientAuth

    make_client admin "/O=system:masters/CN=kubernetes-admin"
    make_client kube-controller-manager "/CN=system:kube-controller-manager"
    make_client kube-scheduler "/CN=system:kube-scheduler"
    make_client kube-proxy "/CN=system:kube-proxy"
    make_client kubelet "/O=system:nodes/CN=system:node:node"
    install -m 600 "$folder/admin.kubeconfig" "$STATE/kubeconfig"
}

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1" 2>/dev/null; }

make_authority() {
    local base="$STATE/certificates/$1"
    new_key "$base.key"
    openssl req -x509 -new -key "$base.key" -subj "/CN=$2" -days 3650 -out "$base.crt" \
        -addext "keyUsage=critical,keyCertSign,cRLSign,digitalSignature" 2>/dev/null
}

# AUTHORITY NAME SUBJECT USAGE [SUBJECT_ALTERNATIVE_NAMES]
make_certificate() {
    local folder="$STATE/certificates"
    local base="$folder/$2"
    new_key "$base.key"
    openssl req -new -key "$base.key" -subj "$3" -out "$base.csr" 2>/dev/null
    {
        echo "basicConstraints=critical,CA:FALSE"
        echo "keyUsage=critical,digitalSignature"
        echo "extendedKeyUsage=$4"
        [[ -z ${5:-} ]] || echo "subjectAltName=$5"
    } >"$base.extensions"
    openssl x509 -req -in "$base.csr" -CA "$folder/$1.crt" -CAkey "$folder/$1.key" -CAcreateserial -days 3650 \
        -extfile "$base.extensions" -out "$base.crt" 2>/dev/null
    rm "$base.csr" "$base.extensions"
}

# NAME SUBJECT: a client certificate inside a kubeconfig.
make_client() {
    local folder="$STATE/certificates"
    make_certificate ca "$1" "$2" clientAuth
    CLIENT="$1"
    AUTHORITY_DATA="$(base64 -w0 "$folder/ca.crt")"
    CERTIFICATE_DATA="$(base64 -w0 "$folder/$1.crt")"
    KEY_DATA="$(base64 -w0 "$folder/$1.key")"
    (umask 077 && render kubeconfig.yaml "$folder/$1.kubeconfig")
}
