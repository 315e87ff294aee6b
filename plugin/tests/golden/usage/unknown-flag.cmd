kubectl kubestash watch orders --sesion x
