# shellcheck shell=bash
# etcd, API server, controller manager, scheduler.

start_etcd() {
    mkdir -p "$STATE/etcd"
    chmod 700 "$STATE/etcd"
    start etcd "$(tool_folder etcd)/etcd" \
        --name=node \
        --data-dir="$STATE/etcd" \
        --unsafe-no-fsync \
        --log-level=warn \
        --listen-client-urls=http://127.0.0.1:2379 \
        --advertise-client-urls=http://127.0.0.1:2379 \
        --listen-peer-urls=http://127.0.0.1:2380 \
        --initial-advertise-peer-urls=http://127.0.0.1:2380 \
        --initial-cluster=node=http://127.0.0.1:2380
}

start_api_server() {
    local keys="$STATE/certificates"
    render audit-policy.yaml "$STATE/audit-policy.yaml"
    start kube-apiserver "$(tool_folder kubernetes)/kube-apiserver" \
        --advertise-address="$NODE_IP" \
        --secure-port=6443 \
        --etcd-servers=http://127.0.0.1:2379 \
        --service-cluster-ip-range="$SERVICE_RANGE" \
        --allow-privileged=true \
        --authorization-mode=Node,RBAC \
        --enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement \
        --client-ca-file="$keys/ca.crt" \
        --tls-cert-file="$keys/kube-apiserver.crt" \
        --tls-private-key-file="$keys/kube-apiserver.key" \
        --kubelet-client-certificate="$keys/kubelet-client.crt" \
        --kubelet-client-key="$keys/kubelet-client.key" \
        --kubelet-certificate-authority="$keys/ca.crt" \
        --kubelet-preferred-address-types=InternalIP \
        --service-account-issuer=https://kubernetes.default.svc.cluster.local \
        --service-account-key-file="$keys/service-account.pub" \
        --service-account-signing-key-file="$keys/service-account.key" \
        --requestheader-client-ca-file="$keys/front-proxy-ca.crt" \
        --requestheader-allowed-names=front-proxy-client \
        --requestheader-extra-headers-prefix=X-Remote-Extra- \
        --requestheader-group-headers=X-Remote-Group \
        --requestheader-username-headers=X-Remote-User \
        --proxy-client-cert-file="$keys/front-proxy-client.crt" \
        --proxy-client-key-file="$keys/front-proxy-client.key" \
        --enable-aggregator-routing=true \
        --audit-policy-file="$STATE/audit-policy.yaml" \
        --audit-log-path="$STATE/logs/audit.log" \
        --audit-log-maxsize=500 \
        --audit-log-maxbackup=3
}

start_controllers() {
    local keys="$STATE/certificates"
    start kube-controller-manager "$(tool_folder kubernetes)/kube-controller-manager" \
        --kubeconfig="$keys/kube-controller-manager.kubeconfig" \
        --authentication-kubeconfig="$keys/kube-controller-manager.kubeconfig" \
        --authorization-kubeconfig="$keys/kube-controller-manager.kubeconfig" \
        --bind-address=127.0.0.1 \
        --leader-elect=false \
        --kube-api-qps=300 \
        --kube-api-burst=600 \
        --use-service-account-credentials=true \
        --root-ca-file="$keys/ca.crt" \
        --client-ca-file="$keys/ca.crt" \
        --requestheader-client-ca-file="$keys/front-proxy-ca.crt" \
        --cluster-signing-cert-file="$keys/ca.crt" \
        --cluster-signing-key-file="$keys/ca.key" \
        --service-account-private-key-file="$keys/service-account.key" \
        --service-cluster-ip-range="$SERVICE_RANGE"
    start kube-scheduler "$(tool_folder kubernetes)/kube-scheduler" \
        --kubeconfig="$keys/kube-scheduler.kubeconfig" \
        --authentication-kubeconfig="$keys/kube-scheduler.kubeconfig" \
        --authorization-kubeconfig="$keys/kube-scheduler.kubeconfig" \
        --bind-address=127.0.0.1 \
        --leader-elect=false
}
