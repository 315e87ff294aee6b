kubectl kubestash backup create --target gizmo/a --storage minio --dry-run
