"""The gRPC entrance of one server: who may call, and where the call goes."""
