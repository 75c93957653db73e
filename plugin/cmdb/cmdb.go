package cmdb
