kubectl kubestash completion bash --install
